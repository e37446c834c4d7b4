// A Go client of the published schema: its types and functions are made by genqlient
// from operations.graphql. It asks the server whose address and administrator's token
// it finds in STADTGRAPH_URL and STADTGRAPH_TOKEN.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/Khan/genqlient/graphql"
)

// bearer sends a token with each request.
type bearer string

func (b bearer) Do(r *http.Request) (*http.Response, error) {
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultClient.Do(r)
}

func main() {
	if err := run(context.Background(), os.Getenv("STADTGRAPH_URL")+"graphql", os.Getenv("STADTGRAPH_TOKEN")); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, url, token string) error {
	public := graphql.NewClient(url, http.DefaultClient)
	city, err := City(ctx, public, "09461000", nil)
	if err != nil {
		return err
	}
	if m := city.Municipality; m == nil || m.Name != "Bamberg" || m.State.Name != "Bayern" || m.Strategies.TotalCount != len(m.Strategies.Nodes) {
		return fmt.Errorf("that is not Bamberg with its strategies: %+v", m)
	}
	if unknown, err := City(ctx, public, "00000000", nil); err != nil || unknown.Municipality != nil {
		return fmt.Errorf("what is not there is nil: %v, %w", unknown, err)
	}
	found, err := Found(ctx, public, "Bamberg")
	if err != nil {
		return err
	}
	var names []string
	for _, hit := range found.Search.Nodes {
		if m, ok := hit.Node.(*FoundSearchSearchHitConnectionNodesSearchHitNodeMunicipality); ok {
			names = append(names, m.Name)
		}
	}
	if len(names) == 0 {
		return fmt.Errorf("no municipality is found: %v", found.Search.Nodes)
	}
	editor := graphql.NewClient(url, bearer(token))
	draft, err := Draft(ctx, editor, ArticleKindReport, "Von einem Client in Go")
	if err != nil {
		return err
	}
	if a := draft.CreateArticle.Article; a == nil || a.Version != 1 || a.Title != "Von einem Client in Go" {
		return fmt.Errorf("no draft was made: %+v", draft.CreateArticle)
	}
	refused, err := Draft(ctx, editor, ArticleKindReport, strings.Repeat("ä", 10_000))
	if err != nil {
		return err
	}
	if errs := refused.CreateArticle.UserErrors; len(errs) == 0 || errs[0].Message == "" {
		return fmt.Errorf("a title without end is taken: %+v", refused.CreateArticle)
	}
	fmt.Println(city.Municipality.Name, names, draft.CreateArticle.Article.Id)
	return nil
}
