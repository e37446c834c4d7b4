// The public rules for GraphQL schemas, and the exceptions from them. Every
// rule that is off or loosened says why in its line.
import {fileURLToPath} from 'node:url';
import graphql from '@graphql-eslint/eslint-plugin';

export default [
  {
    files: ['**/*.graphql'],
    plugins: {'@graphql-eslint': graphql},
    languageOptions: {
      parser: graphql.parser,
      parserOptions: {graphQLConfig: {schema: fileURLToPath(new URL('../../schema.graphql', import.meta.url))}},
    },
    linterOptions: {noInlineConfig: true}, // exceptions are in this file
    rules: {
      ...graphql.configs['flat/schema-all'].rules,
      ...graphql.configs['flat/schema-relay'].rules,

      // Off.
      '@graphql-eslint/alphabetize': 'off', // stylistic; fields stand in the order that reads best
      '@graphql-eslint/no-root-type': 'off', // it forbids mutations and subscriptions, which the API is to have
      '@graphql-eslint/require-deprecation-date': 'off', // wants an argument that @deprecated does not have; the date is in the reason, see below
      '@graphql-eslint/require-field-of-type-query-in-mutation-result': 'off', // a payload shows what was changed; whoever needs more asks in a second root field
      '@graphql-eslint/require-nullable-result-in-root': 'off', // look-ups are nullable; a connection is there even if it is empty, and payloads carry their errors
      '@graphql-eslint/strict-id-in-types': 'off', // value objects, edges and connections are no entities; the selector below ties `id` to Node instead

      // Stricter or looser than they come.
      '@graphql-eslint/input-name': ['error', {checkInputType: true, caseSensitiveInputType: false}], // publishArticle(input: PublishArticleInput!)
      '@graphql-eslint/relay-edge-types': ['error', {
        listTypeCanWrapOnlyEdgeType: false, // lists that cannot grow are plain, and connections have `nodes` beside `edges`
        shouldImplementNode: false, // a search hit has no id: what it found has one
      }],
      '@graphql-eslint/relay-arguments': ['error', {includeBoth: false}], // changes are read forward only
      '@graphql-eslint/require-description': ['error', {
        types: true,
        DirectiveDefinition: true,
        EnumValueDefinition: true,
        FieldDefinition: true,
        InputValueDefinition: true, // arguments, too
      }],

      // Our own.
      'no-restricted-syntax': ['error',
        {
          selector: 'ObjectTypeDefinition:not([interfaces.0.name.value=Node]) > FieldDefinition[name.value=id]',
          message: 'A type with an `id` implements Node, first of its interfaces.',
        },
        {
          selector: 'Directive[name.value=deprecated]:not([arguments.0.value.value=/removal after \\d{4}-\\d{2}-\\d{2}$/])',
          message: 'A deprecation says what to use and ends in "removal after YYYY-MM-DD".',
        },
      ],
    },
  },
];
