// A storage account without keys: blobs are read and written with identities only.

@description('Region.')
param location string

@description('Name of the storage account.')
param name string

@description('A blob container to make in it, or empty for none.')
param containerName string

@description('Days in which a deleted blob or container can be brought back.')
@minValue(1)
@maxValue(365)
param recoverDays int

@description('Resource id of the Log Analytics workspace that takes the audit log.')
param logId string

@description('Tags of every resource.')
param tags object

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  // checkov:skip=CKV_AZURE_35:Labeling in the studio, training clusters and edge gateways reach it from many networks; identities and roles guard it
  // checkov:skip=CKV_AZURE_59:As above; no container is public and keys are refused
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    // Labels and models are people's work: a second region holds a copy.
    name: 'Standard_GRS'
  }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: 'Allow'
    }
    encryption: {
      keySource: 'Microsoft.Storage'
      requireInfrastructureEncryption: true
      services: {
        blob: {
          enabled: true
          keyType: 'Account'
        }
        file: {
          enabled: true
          keyType: 'Account'
        }
      }
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' = {
  parent: account
  name: 'default'
  properties: {
    deleteRetentionPolicy: {
      enabled: true
      days: recoverDays
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: recoverDays
    }
  }
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' = if (!empty(containerName)) {
  parent: blobs
  name: empty(containerName) ? 'none' : containerName
  properties: {
    publicAccess: 'None'
  }
}

resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: blobs
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

@description('Resource id of the account.')
output id string = account.id
