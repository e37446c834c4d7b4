// What tools send to learn the schema, with everything they can ask for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildClientSchema, getIntrospectionQuery, lexicographicSortSchema, buildSchema, printSchema } from 'graphql';

const url = new URL('graphql', process.env.STADTGRAPH_URL);

async function ask(body, headers = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/graphql-response+json', ...headers },
    body: JSON.stringify(body),
  });
  return response.json();
}

test('graphql-js, GraphQL Code Generator and GraphiQL read the whole schema', async () => {
  const all = { descriptions: true, specifiedByUrl: true, directiveIsRepeatable: true, schemaDescription: true, inputValueDeprecation: true, oneOf: true };
  const { data, errors, extensions } = await ask({ query: getIntrospectionQuery(all), operationName: 'IntrospectionQuery' });
  assert.equal(errors, undefined);
  assert.ok(extensions.cost.requested > 0);
  const sdl = await (await fetch(new URL('schema.graphql', process.env.STADTGRAPH_URL))).text();
  const print = (schema) => printSchema(lexicographicSortSchema(schema));
  const types = (schema) => Object.keys(schema.getTypeMap()).filter((name) => !name.startsWith('__')).sort();
  const read = buildClientSchema(data);
  const written = buildSchema(sdl);
  assert.deepEqual(types(read), types(written));
  assert.equal(read.getQueryType().toString(), 'Query');
  assert.ok(print(read).length > 100_000);
});

test('rover reads the whole schema', async () => {
  // The query of rover graph introspect.
  const query = `query GraphIntrospectQuery { __schema { queryType { name } mutationType { name } subscriptionType { name }
    types { ...FullType } directives { name description locations args { ...InputValue } } } }
    fragment FullType on __Type { kind name description
      fields(includeDeprecated: true) { name description args { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
      inputFields { ...InputValue } interfaces { ...TypeRef } enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
      possibleTypes { ...TypeRef } }
    fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue }
    fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } }`;
  const { data, errors } = await ask({ query });
  assert.equal(errors, undefined);
  buildClientSchema(data);
});
