// What the reference implementation of GraphQL over HTTP asks of a server: what it must, should and may do.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serverAudits } from 'graphql-http';

const audits = serverAudits({ url: new URL('graphql', process.env.STADTGRAPH_URL).href });

test('there are as many audits as we know', () => assert.equal(audits.length, 61));

for (const audit of audits) {
  test(`${audit.id} ${audit.name}`, async () => {
    const result = await audit.fn();
    assert.equal(result.status, 'ok', result.reason);
  });
}
