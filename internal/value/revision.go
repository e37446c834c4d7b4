package value

import "stadtgraph/internal/plan"

// Revisions are what was done to the rows of a type, and to what belongs to them.
func Revisions(typeName plan.SQL) plan.Field {
	return plan.Joined("{type} = '" + typeName + "' AND {object_id} = {parent.id}").For(plan.Editor)
}
