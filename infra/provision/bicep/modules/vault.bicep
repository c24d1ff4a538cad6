// A key vault with roles instead of access policies, and no way to purge before time.

@description('Region.')
param location string

@description('Name of the vault.')
param name string

@description('Whether a deployment may hand a secret of this vault to a resource that it makes.')
param readByDeployments bool

@description('Resource id of the Log Analytics workspace that takes the audit log.')
param logId string

@description('Tags of every resource.')
param tags object

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  // checkov:skip=CKV_AZURE_109:The bot and the studio come from networks without fixed addresses; roles guard it
  // checkov:skip=CKV_AZURE_189:As above; a private endpoint needs a network that is yours to plan
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enabledForTemplateDeployment: readByDeployments
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    enablePurgeProtection: true
    publicNetworkAccess: 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: 'Allow'
    }
  }
}

resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: vault
  properties: {
    workspaceId: logId
    logs: [
      {
        categoryGroup: 'audit'
        enabled: true
      }
    ]
  }
}

@description('Resource id of the vault.')
output id string = vault.id

@description('Address of the vault.')
output uri string = vault.properties.vaultUri
