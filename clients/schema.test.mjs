// The published schema is the one that answers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildClientSchema, buildSchema, lexicographicSortSchema, printSchema } from 'graphql';
import { ask, published, schema } from './server.mjs';

test('the published schema is the one that introspection shows', () => {
  const sorted = (schema) => printSchema(lexicographicSortSchema(schema));
  assert.equal(sorted(buildSchema(published)), sorted(schema));
});

test('rover graph introspect reads the schema', async () => {
  const typeRef = 'kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } }';
  const read = buildClientSchema(
    await ask(`query GraphIntrospectQuery { __schema { queryType { name } mutationType { name } subscriptionType { name }
      types { ...FullType } directives { name description locations args { ...InputValue } } } }
    fragment FullType on __Type { kind name description
      fields(includeDeprecated: true) { name description args { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
      inputFields { ...InputValue } interfaces { ...TypeRef } enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
      possibleTypes { ...TypeRef } }
    fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue }
    fragment TypeRef on __Type { ${typeRef} }`),
  );
  assert.deepEqual(Object.keys(read.getTypeMap()).sort(), Object.keys(schema.getTypeMap()).sort());
});
