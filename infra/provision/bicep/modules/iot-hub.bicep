// The hub that tells devices which module to run.

@description('Region.')
param location string

@description('Name of the hub.')
param name string

@description('SKU. Layered deployments need S1 or more: the free and basic ones have too few or none.')
@allowed([
  'S1'
  'S2'
  'S3'
])
param sku string

@description('Resource id of the Log Analytics workspace that takes the audit log.')
param logId string

@description('Tags of every resource.')
param tags object

resource hub 'Microsoft.Devices/IotHubs@2023-06-30' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: sku
    capacity: 1
  }
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    minTlsVersion: '1.2'
    publicNetworkAccess: 'Enabled'
    // The hub's shared policies are refused. Devices and modules keep keys of their own, which IoT Edge needs.
    disableLocalAuth: true
  }
}

resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: hub
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

@description('Host name of the hub.')
output hostName string = hub.properties.hostName
