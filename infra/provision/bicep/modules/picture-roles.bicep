// Who may see the pictures in one storage account: the one that the edge writes to, and every further one that labeling
// exports or datastores point to.

@description('Name of the storage account; it lies in this resource group.')
param accountName string

@description('Object id of the bot\'s identity.')
param botId string

@description('Object id of the identity that trainings run as.')
param clusterId string

@description('Object id of the workspace\'s own identity.')
param workspacePrincipalId string

@description('Object id of the Entra group of people who label, or empty for none.')
param labelersGroupId string

// Built-in roles. They are the same ids everywhere.
var reader = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'acdd72a7-3385-48ef-bd42-f606fba81ae7')
var blobReader = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1')

resource pictures 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: accountName
}

resource botReadsPictures 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(pictures.id, botId, blobReader)
  scope: pictures
  properties: {
    principalId: botId
    principalType: 'ServicePrincipal'
    roleDefinitionId: blobReader
    description: 'Reads captured pictures, to show what a model sees.'
  }
}

resource clusterReadsPictures 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(pictures.id, clusterId, blobReader)
  scope: pictures
  properties: {
    principalId: clusterId
    principalType: 'ServicePrincipal'
    roleDefinitionId: blobReader
    description: 'Reads the labeled pictures where they were captured.'
  }
}

resource workspaceReadsPictures 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(pictures.id, workspacePrincipalId, blobReader)
  scope: pictures
  properties: {
    principalId: workspacePrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: blobReader
    description: 'The studio shows captured pictures to people who browse and label.'
  }
}

resource workspaceSeesPictureStore 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(pictures.id, workspacePrincipalId, reader)
  scope: pictures
  properties: {
    principalId: workspacePrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: reader
    description: 'The studio looks the account up before it previews a picture.'
  }
}

resource labelersReadPictures 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(labelersGroupId)) {
  name: guid(pictures.id, labelersGroupId, blobReader)
  scope: pictures
  properties: {
    principalId: labelersGroupId
    principalType: 'Group'
    roleDefinitionId: blobReader
    description: 'People see the pictures that they label.'
  }
}
