// The Azure Machine Learning workspace on the storage, vault, insights and registry that it is given.

@description('Region.')
param location string

@description('Name of the workspace.')
param name string

@description('Basic is the only SKU that is sold today; Enterprise was merged into it.')
param sku string

@description('Resource id of its storage account.')
param storageId string

@description('Resource id of its key vault.')
param vaultId string

@description('Resource id of its Application Insights.')
param insightsId string

@description('Resource id of its container registry.')
param registryId string

@description('Resource id of the Log Analytics workspace that takes the audit log.')
param logId string

@description('Tags of every resource.')
param tags object

resource workspace 'Microsoft.MachineLearningServices/workspaces@2024-10-01' = {
  // checkov:skip=CKV_AZURE_243:People label in the studio from their own networks; a private endpoint needs a network that is yours to plan
  name: name
  location: location
  tags: tags
  sku: {
    name: sku
    tier: sku
  }
  // Azure grants this identity what it needs on the four resources below; granting it again here would collide.
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    friendlyName: name
    storageAccount: storageId
    keyVault: vaultId
    applicationInsights: insightsId
    containerRegistry: registryId
    // The storage account refuses keys, so its own datastores use identities too.
    systemDatastoresAuthMode: 'Identity'
    publicNetworkAccess: 'Enabled'
    v1LegacyMode: false
  }
}

resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: workspace
  properties: {
    workspaceId: logId
    logs: [
      {
        categoryGroup: 'allLogs'
        enabled: true
      }
    ]
  }
}

@description('Resource id of the workspace.')
output id string = workspace.id

@description('Object id of the workspace\'s own identity.')
output principalId string = workspace.identity.principalId
