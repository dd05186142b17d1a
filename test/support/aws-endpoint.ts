// An endpoint of AWS that tests put their answers into.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { shortened } from './discovery-rig.ts';

export const KEYS = 'region: eu-west-1, access_key: AK, secret_key: very-secret';

/** What was asked of it. */
export interface Asked {
  readonly action: string;
  readonly form: URLSearchParams;
  readonly authorization: string;
  readonly token: string | undefined;
}

/** An endpoint of AWS: answers by action (or target of a JSON API); a function sees the form. */
export async function aws(t: TestContext, answers: Record<string, string | ((form: URLSearchParams) => string)>) {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (piece) => {
      body += piece;
    });
    request.on('end', () => {
      const form = new URLSearchParams(body);
      const action = String(
        request.headers['x-amz-target'] ?? form.get('Action') ?? new URL(request.url as string, 'http://x').pathname,
      );
      const { authorization = '' } = request.headers;
      asked.push({ action, form, authorization, token: request.headers['x-amz-security-token'] as string | undefined });
      const answer = answers[action];
      response.writeHead(answer === undefined ? 403 : 200);
      response.end(typeof answer === 'function' ? answer(form) : (answer ?? '<Error><Code>AuthFailure</Code></Error>'));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { asked, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** Labels of all targets without their prefix. */
export const short = (found: Record<string, Record<string, string>>, prefix: string) =>
  Object.fromEntries(Object.entries(found).map(([key, labels]) => [key, shortened(labels, prefix)]));

/** Instances of EC2, the first of two pages. */
export const FIRST = `<DescribeInstancesResponse><reservationSet><item><ownerId>42</ownerId><instancesSet><item>
  <instanceId>i-1</instanceId><imageId>ami-1</imageId><instanceState><code>16</code><name>running</name></instanceState>
  <privateDnsName>ip-10.internal</privateDnsName><dnsName>ec2-1.example.com</dnsName><instanceType>t3.micro</instanceType>
  <placement><availabilityZone>eu-1a</availabilityZone></placement><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId>
  <privateIpAddress>10.0.0.1</privateIpAddress><ipAddress>1.2.3.4</ipAddress><architecture>x86_64</architecture>
  <platform>windows</platform><instanceLifecycle>spot</instanceLifecycle>
  <networkInterfaceSet>
    <item><subnetId>subnet-1</subnetId><attachment><deviceIndex>1</deviceIndex></attachment><ipv6AddressesSet>
      <item><ipv6Address>fd00::1</ipv6Address><isPrimaryIpv6>true</isPrimaryIpv6></item>
      <item><ipv6Address>fd00::2</ipv6Address><isPrimaryIpv6>false</isPrimaryIpv6></item></ipv6AddressesSet></item>
    <item><subnetId>subnet-2</subnetId></item><item><subnetId>subnet-1</subnetId></item>
  </networkInterfaceSet>
  <tagSet><item><key>Name</key><value>a &amp; b</value></item><item><key>k8s.io/x</key><value>y</value></item></tagSet>
</item></instancesSet></item></reservationSet><nextToken>more</nextToken></DescribeInstancesResponse>`;
