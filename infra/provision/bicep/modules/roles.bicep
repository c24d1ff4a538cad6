// Who may do what: every role assignment of this deployment but those on pictures, which stand in picture-roles.bicep. The
// description says why; the portal shows it too.

@description('Name of the workspace.')
param workspaceName string

@description('Name of the storage account of the workspace: labels, code, models.')
param storeName string

@description('Name of the container registry.')
param registryName string

@description('Name of the IoT Hub.')
param hubName string

@description('Name of the bot\'s vault.')
param botVaultName string

@description('Object id of the bot\'s identity.')
param botId string

@description('Object id of the identity that trainings run as.')
param clusterId string

@description('Object id of the identity of the publish pipeline.')
param publisherId string

@description('Object id of the identity of the edge pipeline.')
param shipperId string

@description('Object id of the Entra group of people who label, or empty for none.')
param labelersGroupId string

// Built-in roles. They are the same ids everywhere.
var amlDataScientist = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'f6c7c914-8db3-469d-8ca1-694a8f32e121')
var reader = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'acdd72a7-3385-48ef-bd42-f606fba81ae7')
var blobReader = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1')
var blobContributor = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'ba92f5b4-2d11-453d-a403-e96b0029c9fe')
var acrPull = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '7f951dda-4ed3-4680-a7ca-43fe172d538d')
var acrPush = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '8311e382-0749-4cb8-b61a-304f252e45ec')
var hubContributor = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '4fc6c259-987e-4a07-842e-c321cc9d413f')
var secretsUser = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '4633458b-17de-408a-b874-0445c86b69e6')

resource workspace 'Microsoft.MachineLearningServices/workspaces@2024-10-01' existing = {
  name: workspaceName
}

resource store 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: storeName
}

resource registry 'Microsoft.ContainerRegistry/registries@2023-07-01' existing = {
  name: registryName
}

resource hub 'Microsoft.Devices/IotHubs@2023-06-30' existing = {
  name: hubName
}

resource botVault 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: botVaultName
}

// The bot.

resource botInWorkspace 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(workspace.id, botId, amlDataScientist)
  scope: workspace
  properties: {
    principalId: botId
    principalType: 'ServicePrincipal'
    roleDefinitionId: amlDataScientist
    description: 'Submits and cancels jobs, reads exports, models and runs; it can neither make clusters nor change the workspace.'
  }
}

resource botReadsLabels 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(store.id, botId, blobReader)
  scope: store
  properties: {
    principalId: botId
    principalType: 'ServicePrincipal'
    roleDefinitionId: blobReader
    description: 'Reads labels, logs and metrics that Azure ML keeps in the workspace\'s store.'
  }
}

resource botInHub 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hub.id, botId, hubContributor)
  scope: hub
  properties: {
    principalId: botId
    principalType: 'ServicePrincipal'
    roleDefinitionId: hubContributor
    description: 'Follows rollouts on the devices and withdraws one that fails; no narrower built-in role may delete a deployment.'
  }
}

resource botPulls 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(registry.id, botId, acrPull)
  scope: registry
  properties: {
    principalId: botId
    principalType: 'ServicePrincipal'
    roleDefinitionId: acrPull
    description: 'Its container app pulls its own image.'
  }
}

resource botReadsSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(botVault.id, botId, secretsUser)
  scope: botVault
  properties: {
    principalId: botId
    principalType: 'ServicePrincipal'
    roleDefinitionId: secretsUser
    description: 'Reads its tokens, its password and its policy, in a vault that holds nothing else.'
  }
}

// Trainings.

resource clusterInWorkspace 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(workspace.id, clusterId, amlDataScientist)
  scope: workspace
  properties: {
    principalId: clusterId
    principalType: 'ServicePrincipal'
    roleDefinitionId: amlDataScientist
    description: 'The register step reads the run tree and registers the best model.'
  }
}

resource clusterInStore 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(store.id, clusterId, blobContributor)
  scope: store
  properties: {
    principalId: clusterId
    principalType: 'ServicePrincipal'
    roleDefinitionId: blobContributor
    description: 'Reads labels and code, writes outputs and logs.'
  }
}

resource clusterPulls 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(registry.id, clusterId, acrPull)
  scope: registry
  properties: {
    principalId: clusterId
    principalType: 'ServicePrincipal'
    roleDefinitionId: acrPull
    description: 'Nodes pull the training environments.'
  }
}

// Pipelines, each with an identity of its own.

resource publisherInWorkspace 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(workspace.id, publisherId, amlDataScientist)
  scope: workspace
  properties: {
    principalId: publisherId
    principalType: 'ServicePrincipal'
    roleDefinitionId: amlDataScientist
    description: 'Publishes the training pipeline as a component.'
  }
}

resource publisherInStore 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(store.id, publisherId, blobContributor)
  scope: store
  properties: {
    principalId: publisherId
    principalType: 'ServicePrincipal'
    roleDefinitionId: blobContributor
    description: 'Uploads the register step\'s code.'
  }
}

resource shipperReadsWorkspace 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(workspace.id, shipperId, reader)
  scope: workspace
  properties: {
    principalId: shipperId
    principalType: 'ServicePrincipal'
    roleDefinitionId: reader
    description: 'Looks up the registered model that was asked for.'
  }
}

resource shipperReadsModels 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(store.id, shipperId, blobReader)
  scope: store
  properties: {
    principalId: shipperId
    principalType: 'ServicePrincipal'
    roleDefinitionId: blobReader
    description: 'Downloads the model and its scoring file.'
  }
}

resource shipperPushes 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(registry.id, shipperId, acrPush)
  scope: registry
  properties: {
    principalId: shipperId
    principalType: 'ServicePrincipal'
    roleDefinitionId: acrPush
    description: 'Pushes the module\'s image; it cannot delete one.'
  }
}

resource shipperInHub 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hub.id, shipperId, hubContributor)
  scope: hub
  properties: {
    principalId: shipperId
    principalType: 'ServicePrincipal'
    roleDefinitionId: hubContributor
    description: 'Creates layered deployments. No narrower built-in role may write configurations.'
  }
}

// People who label. Without account keys the studio reads and writes as the person.

resource labelersInStore 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(labelersGroupId)) {
  name: guid(store.id, labelersGroupId, blobContributor)
  scope: store
  properties: {
    principalId: labelersGroupId
    principalType: 'Group'
    roleDefinitionId: blobContributor
    description: 'Labeling keeps labels and exports in the workspace\'s store.'
  }
}
