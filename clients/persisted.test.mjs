// Documents that are sent once: automatic persisted queries, and ids on record.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client/core';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { administrator, ask, recording, url } from './server.mjs';

const sha256 = (text) => createHash('sha256').update(text).digest('hex');

for (const useGETForHashedQueries of [false, true]) {
  test(`Apollo Client sends a document once, ${useGETForHashedQueries ? 'GET' : 'POST'}`, async () => {
    const { requests, fetch } = recording();
    const link = ApolloLink.from([new PersistedQueryLink({ sha256, useGETForHashedQueries }), new HttpLink({ uri: url, fetch })]);
    const apollo = () => new ApolloClient({ cache: new InMemoryCache(), link });
    // A name of its own, so that the server has not seen it.
    const query = gql(`query Persisted${process.pid}${useGETForHashedQueries} { states(first: 1) { nodes { id name } } }`);
    for (let i = 0; i < 2; i++) {
      const { data } = await apollo().query({ query });
      assert.equal(data.states.nodes[0].name, 'Schleswig-Holstein');
    }
    const withDocument = requests.filter(({ url, body }) => new URL(url).searchParams.has('query') || (body && 'query' in JSON.parse(body)));
    assert.equal(requests.length, 3, 'by its digest, with the document, and by its digest again');
    assert.equal(withDocument.length, 1);
    assert.equal(requests[0].method, useGETForHashedQueries ? 'GET' : 'POST');
  });
}

test('a document on record runs by its id', async () => {
  const document = '{ states(first: 1) { nodes { name } } }';
  const documentId = `x-clients:${process.pid}`;
  const put = await ask(
    `mutation ($documents: [TrustedDocumentInput!]!) { trustDocuments(input: { documents: $documents }) { documentIds userErrors { message } } }`,
    { documents: [{ documentId, document }] },
    administrator,
  );
  assert.deepEqual(put.trustDocuments, { documentIds: [documentId], userErrors: [] });
  const answer = await fetch(`${url}?documentId=${encodeURIComponent(documentId)}`);
  assert.deepEqual((await answer.json()).data, { states: { nodes: [{ name: 'Schleswig-Holstein' }] } });
  await ask(`mutation ($ids: [String!]!) { removeTrustedDocuments(input: { documentIds: $ids }) { userErrors { message } } }`, { ids: [documentId] }, administrator);
});
