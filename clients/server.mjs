// The server that the tests ask, and what they ask it in common.
import { buildClientSchema, getIntrospectionQuery, isInterfaceType, isObjectType, isUnionType } from 'graphql';

export const url = new URL('graphql', process.env.STADTGRAPH_URL).href;
export const administrator = { authorization: `Bearer ${process.env.STADTGRAPH_TOKEN}` };

/** What each request was, for tests that count them. */
export function recording() {
  const requests = [];
  return { requests, fetch: (to, init) => (requests.push({ url: String(to), ...init }), fetch(to, init)) };
}

export async function ask(query, variables, headers = {}) {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await answer.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

export const introspection = await ask(getIntrospectionQuery({ specifiedByUrl: true, directiveIsRepeatable: true, schemaDescription: true, inputValueDeprecation: true, oneOf: true }));
export const schema = buildClientSchema(introspection);

/** The schema as it is published. */
export const published = await (await fetch(new URL('schema.graphql', process.env.STADTGRAPH_URL))).text();

/** As Apollo wants it: which types an interface or union has. */
export const possibleTypes = Object.fromEntries(
  Object.values(schema.getTypeMap())
    .filter((type) => isInterfaceType(type) || isUnionType(type))
    .map((type) => [type.name, schema.getPossibleTypes(type).map(({ name }) => name)]),
);

/** Types that cannot be looked up: they belong to what holds them. */
export const embeddedTypes = Object.values(schema.getTypeMap())
  .filter((type) => isObjectType(type) && !type.name.startsWith('__') && !('id' in type.getFields()))
  .map(({ name }) => name);

export const city = `
  query City($key: String!) {
    municipality(key: $key) { __typename id name state { __typename id name } strategies { nodes { __typename id title status } } }
  }`;

export const towns = `
  query Towns($first: Int!, $after: String) {
    municipalities(first: $first, after: $after, filter: { state: { key: { eq: "09" } } }, orderBy: [{ field: POPULATION, direction: DESC }]) {
      __typename totalCount
      edges { __typename cursor node { __typename id name population } }
      pageInfo { __typename hasNextPage endCursor }
    }
  }`;

/** A draft for a test that changes it; it is deleted when the test ends. */
export async function draft(t) {
  const { createArticle } = await ask(
    `mutation { createArticle(input: { article: { kind: REPORT, title: "Entwurf für einen Client", lead: "Mit einem Vorspann." } }) {
      article { id version title } userErrors { path message } } }`,
    {}, administrator);
  if (!createArticle.article) throw new Error(JSON.stringify(createArticle.userErrors));
  const { id } = createArticle.article;
  t.after(async () => {
    const { node } = await ask('query ($id: ID!) { node(id: $id) { ... on Article { version } } }', { id }, administrator);
    await ask('mutation ($input: DeleteArticleInput!) { deleteArticle(input: $input) { deletedId } }',
      { input: { id, version: node.version } }, administrator);
  });
  return createArticle.article;
}

export const rename = `
  mutation Rename($input: UpdateArticleInput!) {
    updateArticle(input: $input) { article { __typename id version title } userErrors { __typename path code message } }
  }`;
