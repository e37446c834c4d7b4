// What the compiler reads: the conventions of Relay on our schema. It is never run.
import { graphql } from 'relay-runtime';

graphql`
  fragment operations_towns on Query
  @argumentDefinitions(first: { type: "Int", defaultValue: 7 }, after: { type: "String" })
  @refetchable(queryName: "operationsTownsPageQuery") {
    municipalities(first: $first, after: $after, filter: { state: { key: { eq: "09" } } }, orderBy: [{ field: POPULATION, direction: DESC }])
      @connection(key: "operations_municipalities") {
      edges { node { id name } }
    }
  }
`;

graphql`
  query operationsTownsQuery {
    ...operations_towns
  }
`;

graphql`
  fragment operations_city on Municipality
  @refetchable(queryName: "operationsCityRefetchQuery") {
    name
    population
    state { name }
    strategies { nodes { title status } }
  }
`;

graphql`
  query operationsCityQuery($key: String!) {
    municipality(key: $key) {
      id
      ...operations_city
    }
  }
`;

graphql`
  query operationsDraftQuery($id: ID!) {
    article(id: $id) { id version title }
  }
`;

graphql`
  mutation operationsRenameMutation($input: UpdateArticleInput!) {
    updateArticle(input: $input) {
      article { id version title }
      userErrors { path code message }
    }
  }
`;
