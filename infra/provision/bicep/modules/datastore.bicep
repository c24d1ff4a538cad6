// The captured pictures as a datastore, read as whoever asks: no key is stored.

@description('Name of the workspace.')
param workspaceName string

@description('Name of the datastore: letters, digits and underscores.')
param name string

@description('Name of the storage account with the pictures.')
param accountName string

@description('Name of the container with the pictures.')
param containerName string

resource workspace 'Microsoft.MachineLearningServices/workspaces@2024-10-01' existing = {
  name: workspaceName
}

resource datastore 'Microsoft.MachineLearningServices/workspaces/datastores@2024-10-01' = {
  parent: workspace
  name: name
  properties: {
    datastoreType: 'AzureBlob'
    description: 'Pictures captured on the edge'
    accountName: accountName
    containerName: containerName
    endpoint: environment().suffixes.storage
    protocol: 'https'
    resourceGroup: resourceGroup().name
    subscriptionId: subscription().subscriptionId
    credentials: {
      credentialsType: 'None'
    }
    // Browsing and labeling in the studio read with the workspace's identity.
    serviceDataAccessAuthIdentity: 'WorkspaceSystemAssignedIdentity'
  }
}
