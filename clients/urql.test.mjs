// urql with its normalised cache, which knows the schema.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, fetchExchange, gql } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import { administrator, city, draft, embeddedTypes, introspection, recording, rename, towns, url } from './server.mjs';

function client({ exchanges = [], headers } = {}) {
  const { requests, fetch } = recording();
  const warnings = [];
  const cache = cacheExchange({
    schema: introspection,
    keys: Object.fromEntries(embeddedTypes.map((name) => [name, () => null])),
    resolvers: { Query: { municipalities: relayPagination() } },
    logger: (severity, message) => warnings.push(`${severity}: ${message}`),
  });
  const urql = new Client({ url, fetch, fetchOptions: { headers }, preferGetMethod: false, exchanges: [cache, ...exchanges, fetchExchange] });
  return { urql, requests, warnings };
}

test('a page is one request, is kept, and nothing about the schema is odd', async () => {
  const { urql, requests, warnings } = client();
  for (let i = 0; i < 2; i++) {
    const { data, error } = await urql.query(gql(city), { key: '09461000' });
    assert.ifError(error);
    assert.equal(data.municipality.state.name, 'Bayern');
  }
  assert.equal(requests.length, 1);
  assert.deepEqual(warnings, []);
});

test('pages join without gap or double', async () => {
  const { urql } = client();
  const first = await urql.query(gql(towns), { first: 7 });
  const joined = await urql.query(gql(towns), { first: 7, after: first.data.municipalities.pageInfo.endCursor });
  const ids = ({ data }) => data.municipalities.edges.map(({ node }) => node.id);
  assert.deepEqual(ids(joined), ids(await client().urql.query(gql(towns), { first: 14 })));
});

test('a mutation changes what is cached', async (t) => {
  const { id, version } = await draft(t);
  const { urql, requests } = client({ headers: administrator });
  const query = gql`query Draft($id: ID!) { article(id: $id) { __typename id version title } }`;
  await urql.query(query, { id });
  const changed = await urql.mutation(gql(rename), { input: { id, version, article: { title: 'Größer' } } });
  assert.deepEqual(changed.data.updateArticle.userErrors, []);
  assert.equal((await urql.query(query, { id })).data.article.title, 'Größer');
  assert.equal(requests.length, 2);
});

test('an error has a code and a status', async () => {
  const { error } = await client().urql.query(gql`{ municipalities(first: 1000) { totalCount } }`, {});
  assert.equal(error.graphQLErrors[0].extensions.code, 'BAD_USER_INPUT');
});
