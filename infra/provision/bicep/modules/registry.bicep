// Container registry: training environments, the bot's image, the modules for the edge.

@description('Region.')
param location string

@description('Name of the registry.')
param name string

@description('Resource id of the Log Analytics workspace that takes the audit log.')
param logId string

@description('Tags of every resource.')
param tags object

resource registry 'Microsoft.ContainerRegistry/registries@2023-07-01' = {
  // checkov:skip=CKV_AZURE_139:Edge devices pull from factory networks; roles and tokens guard it
  // checkov:skip=CKV_AZURE_163:Scanning is a plan of Defender for Cloud, bought for a subscription, not set on a registry
  // checkov:skip=CKV_AZURE_166:Quarantine is Premium only, and needs a scanner that lets images out
  // checkov:skip=CKV_AZURE_233:Zones are Premium only; devices keep running the image that they have
  name: name
  location: location
  tags: tags
  sku: {
    name: 'Standard'
  }
  properties: {
    adminUserEnabled: false
    anonymousPullEnabled: false
    publicNetworkAccess: 'Enabled'
  }
}

resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: registry
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

@description('Resource id of the registry.')
output id string = registry.id

@description('Host name that images are pulled from.')
output loginServer string = registry.properties.loginServer
