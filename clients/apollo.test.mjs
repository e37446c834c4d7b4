// Apollo Client: a cache by id, pages that join, mutations that change what is cached.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from '@apollo/client/core';
import { relayStylePagination } from '@apollo/client/utilities';
import { filter, firstValueFrom } from 'rxjs';
import { administrator, city, draft, possibleTypes, recording, rename, towns, url } from './server.mjs';

function client({ headers, link = [] } = {}) {
  const { requests, fetch } = recording();
  const cache = new InMemoryCache({
    possibleTypes,
    typePolicies: { Query: { fields: { municipalities: relayStylePagination(['filter', 'orderBy']) } } },
  });
  return { requests, client: new ApolloClient({ cache, link: ApolloLink.from([...link, new HttpLink({ uri: url, headers, fetch })]) }) };
}

test('a page is one request, and is kept by id', async () => {
  const { client: apollo, requests } = client();
  const first = await apollo.query({ query: gql(city), variables: { key: '09461000' } });
  assert.equal(first.data.municipality.name, 'Bamberg');
  await apollo.query({ query: gql(city), variables: { key: '09461000' } });
  assert.equal(requests.length, 1);
  const kept = apollo.cache.extract();
  assert.equal(kept[`Municipality:${first.data.municipality.id}`].name, 'Bamberg');
  assert.equal(kept[`State:${first.data.municipality.state.id}`].name, 'Bayern');
});

test('a fragment on an interface finds its types', async () => {
  const { client: apollo } = client();
  const { data } = await apollo.query({ query: gql(city), variables: { key: '09461000' } });
  const found = await apollo.query({
    query: gql`query Any($id: ID!) { node(id: $id) { __typename id ... on Owner { name } } }`,
    variables: { id: data.municipality.id },
  });
  assert.equal(found.data.node.name, 'Bamberg');
});

test('pages join without gap or double', async () => {
  const { client: apollo } = client();
  const query = apollo.watchQuery({ query: gql(towns), variables: { first: 7 } });
  const first = await firstValueFrom(query.pipe(filter(({ loading }) => !loading)));
  await query.fetchMore({ variables: { after: first.data.municipalities.pageInfo.endCursor } });
  const joined = query.getCurrentResult().data.municipalities.edges.map(({ node }) => node.id);
  const { data } = await apollo.query({ query: gql(towns), variables: { first: 14 }, fetchPolicy: 'no-cache' });
  assert.deepEqual(joined, data.municipalities.edges.map(({ node }) => node.id));
});

test('a mutation changes what is cached, a stale version says so', async (t) => {
  const { id, version } = await draft(t);
  const { client: apollo } = client({ headers: administrator });
  const query = gql`query Draft($id: ID!) { article(id: $id) { __typename id version title } }`;
  await apollo.query({ query, variables: { id } });
  const change = (title) => apollo.mutate({ mutation: gql(rename), variables: { input: { id, version, article: { title } } } });
  assert.deepEqual((await change('Größer')).data.updateArticle.userErrors, []);
  assert.equal(apollo.readQuery({ query, variables: { id } }).article.title, 'Größer');
  const stale = await change('Zu spät');
  assert.equal(stale.data.updateArticle.userErrors[0].code, 'CONFLICT');
  assert.equal(apollo.readQuery({ query, variables: { id } }).article.title, 'Größer');
});

test('an error has a code', async () => {
  const { client: apollo } = client();
  const refused = apollo.query({ query: gql`{ municipalities(first: 1000) { totalCount } }` });
  await assert.rejects(refused, (error) => CombinedGraphQLErrors.is(error) && error.errors[0].extensions.code === 'BAD_USER_INPUT');
});
