// The published schema is the one that answers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildSchema, lexicographicSortSchema, printSchema } from 'graphql';
import { published, schema } from './server.mjs';

test('the published schema is the one that introspection shows', () => {
  const sorted = (schema) => printSchema(lexicographicSortSchema(schema));
  assert.equal(sorted(buildSchema(published)), sorted(schema));
});
