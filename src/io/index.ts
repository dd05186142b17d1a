export type {
  Clock,
  DnsRecord,
  DnsResolver,
  DnsType,
  Files,
  FileStat,
  HttpClient,
  HttpClientOptions,
  HttpRequest,
  HttpResponse,
  MakeHttpClient,
  Objects,
  OpenFile,
  Random,
  World,
} from './ports.ts';
export { type DurableGroup, type LogPosition, type LogStream, compareLogPositions } from './log-stream.ts';
export { type FileErrorCode, hasCode } from './file-error.ts';
export { createDirectoryObjects, createDnsResolver, createHttpClient, createRealWorld } from './real-world.ts';
export { SimMachine, type SimProcess, SimWorld, createSimWorld } from './sim-world.ts';
export { SimDisk, type SimFault } from './sim-disk.ts';
export type { SimHttpAnswer, SimHttpHandler, SimHttpRequest, SimNetwork } from './sim-http.ts';
export type { SimObjectStore } from './sim-objects.ts';
export { SimRandom } from './sim-random.ts';
export { type DnsOptions, searchNames, searchRules } from './real-dns.ts';
export { filesystemSpace } from './real-space.ts';
export { OAuth2Client, type OAuth2Grant } from './http-oauth2.ts';
export { type FreshFiles, freshFiles } from './real-fresh-files.ts';
export { type JwtAlgorithm, signedJwt } from './jwt.ts';
export { type AccessToken, CachedToken, type TokenSource, type TokenWorld } from './access-token.ts';
export { googleToken } from './google-token.ts';
export { type AzureCloud, type AzureCredential, azureCloud, azureToken } from './azure-token.ts';
export { type AwsCredentials, type AwsRequest, signAws } from './aws-sign.ts';
export { AwsIdentity, type AwsLogin } from './aws-identity.ts';
export { awsServiceUrl } from './aws-sts.ts';
export { HttpRoute } from './http-route.ts';
