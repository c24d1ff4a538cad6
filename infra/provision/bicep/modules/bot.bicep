// The bot's home: a container app that acts as its own identity and reads its secrets from the vault.

@description('Region.')
param location string

@description('Name of the container app.')
param name string

@description('Image to run, by tag or digest.')
param image string

@description('Host name of the registry with the image.')
param registry string

@description('Replicas. One serves many channels; a second one refuses to start while the first one runs.')
@minValue(1)
@maxValue(5)
param replicas int

@description('Whether the app has a public address: for Slack in HTTP mode and for hooks. Socket Mode needs none.')
param publicAddress bool

@description('Resource id of the bot\'s identity.')
param identityId string

@description('Application id of the bot\'s identity.')
param identityClientId string

@description('Address of the bot\'s vault. It holds slack-bot-token, slack-app-token or slack-signing-secret, postgres-password, and spotter-toml, the policy file.')
param vaultUri string

@description('DATABASE_URL without its password.')
param databaseUrl string

@description('Name of the Azure ML workspace.')
param workspaceName string

@description('Host name of the IoT Hub.')
param iotHubHostName string

@description('Address of the Azure DevOps organisation.')
param devOpsUrl string

@description('Azure DevOps project with the pipelines.')
param devOpsProject string

@description('Resource id of the Log Analytics workspace that takes the logs.')
param logId string

@description('Tags of every resource.')
param tags object

var port = 8080
// With a public address Slack posts and signs; without one the bot calls Slack and holds the line.
var slackSecret = publicAddress ? 'slack-signing-secret' : 'slack-app-token'
var slackVariable = publicAddress ? 'SLACK_SIGNING_SECRET' : 'SLACK_APP_TOKEN'

resource home 'Microsoft.App/managedEnvironments@2024-03-01' = {
  name: '${name}-home'
  location: location
  tags: tags
  properties: {
    appLogsConfiguration: {
      // By way of diagnostic settings, which need no key of the Log Analytics workspace.
      destination: 'azure-monitor'
    }
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'logs'
  scope: home
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

resource bot 'Microsoft.App/containerApps@2024-03-01' = {
  name: name
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    managedEnvironmentId: home.id
    configuration: {
      activeRevisionsMode: 'Single'
      ingress: publicAddress ? {
        external: true
        targetPort: port
        allowInsecure: false
        transport: 'http'
      } : null
      registries: [
        {
          server: registry
          identity: identityId
        }
      ]
      secrets: [
        {
          name: 'slack-bot-token'
          keyVaultUrl: '${vaultUri}secrets/slack-bot-token'
          identity: identityId
        }
        {
          name: slackSecret
          keyVaultUrl: '${vaultUri}secrets/${slackSecret}'
          identity: identityId
        }
        {
          name: 'postgres-password'
          keyVaultUrl: '${vaultUri}secrets/postgres-password'
          identity: identityId
        }
        {
          name: 'spotter-toml'
          keyVaultUrl: '${vaultUri}secrets/spotter-toml'
          identity: identityId
        }
      ]
    }
    template: {
      containers: [
        {
          name: 'spotter'
          image: image
          resources: {
            cpu: json('0.5')
            memory: '1Gi'
          }
          env: [
            {
              name: 'SLACK_BOT_TOKEN'
              secretRef: 'slack-bot-token'
            }
            {
              name: slackVariable
              secretRef: slackSecret
            }
            {
              name: 'DATABASE_URL'
              value: databaseUrl
            }
            {
              name: 'PGPASSWORD'
              secretRef: 'postgres-password'
            }
            {
              name: 'SPOTTER_CONFIG'
              value: '/config/spotter.toml'
            }
            {
              name: 'AZURE_CLIENT_ID'
              value: identityClientId
            }
            {
              name: 'AZURE_SUBSCRIPTION_ID'
              value: subscription().subscriptionId
            }
            {
              name: 'AZURE_RESOURCE_GROUP'
              value: resourceGroup().name
            }
            {
              name: 'AZUREML_WORKSPACE_NAME'
              value: workspaceName
            }
            {
              name: 'IOTHUB_HOSTNAME'
              value: iotHubHostName
            }
            {
              name: 'AZURE_DEVOPS_ORG_URL'
              value: devOpsUrl
            }
            {
              name: 'AZURE_DEVOPS_PROJECT'
              value: devOpsProject
            }
          ]
          volumeMounts: [
            {
              volumeName: 'config'
              mountPath: '/config'
            }
          ]
          probes: [
            {
              type: 'Startup'
              httpGet: {
                path: '/healthz'
                port: port
              }
              periodSeconds: 5
              failureThreshold: 24
            }
            {
              type: 'Liveness'
              httpGet: {
                path: '/healthz'
                port: port
              }
              periodSeconds: 30
            }
            {
              type: 'Readiness'
              httpGet: {
                path: '/readyz'
                port: port
              }
              periodSeconds: 10
            }
          ]
        }
      ]
      scale: {
        minReplicas: replicas
        maxReplicas: replicas
      }
      volumes: [
        {
          name: 'config'
          storageType: 'Secret'
          secrets: [
            {
              secretRef: 'spotter-toml'
              path: 'spotter.toml'
            }
          ]
        }
      ]
    }
  }
}
