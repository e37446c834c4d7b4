package auth

// Limits are the territories of an actor as a parameter of territories_permit, the
// function of the database that says whether such an actor may write a row:
//
//	territories_permit(@limits, ARRAY(SELECT l.municipality_id FROM article_municipality l WHERE l.article_id = a.id), '{}')
//
// It may if the row belongs to municipalities or states, and to none outside of the
// territories and their members: neither a row without a place nor one that is
// another town's, too. A change is asked about before and after it, or a row could be
// taken over or given away. Whoever is not limited may write all rows.
func (a *Actor) Limits() []string { return append([]string{}, a.Territories...) } // null would permit nothing
