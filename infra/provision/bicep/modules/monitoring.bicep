// Where logs and metrics go: one Log Analytics workspace, and Application Insights on top of it.

@description('Region.')
param location string

@description('Name of the Log Analytics workspace.')
param logName string

@description('Name of the Application Insights component.')
param insightsName string

@description('Days that logs are kept.')
@minValue(30)
@maxValue(730)
param retentionDays int

@description('Tags of every resource.')
param tags object

resource log 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: logName
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: retentionDays
    features: {
      // Readers see the logs of what they may read, not everything.
      enableLogAccessUsingOnlyResourcePermissions: true
      disableLocalAuth: true
    }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: insightsName
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: log.id
    // Azure ML writes with the connection string, so local authentication stays on here.
    DisableLocalAuth: false
  }
}

@description('Resource id of the Log Analytics workspace.')
output logId string = log.id

@description('Resource id of Application Insights.')
output insightsId string = insights.id
