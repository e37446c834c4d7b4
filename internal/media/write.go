package media

import "stadtgraph/internal/write"

// Writable is where the fields of a picture go.
var Writable = write.Object{Type: "MediaAsset", Table: "media_asset", Holder: "media_id"}
