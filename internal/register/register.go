// Package register reads the official register of municipalities
// (Gemeindeverzeichnis), compares it with the database and brings the database up
// to date. It ships an edition, so that an empty database can be filled without
// any download.
//
// A file passes through three stages:
//
//	Read      lines of GV100AD, GV-Auszug or joined CSV -> records, checked one by one -> an Edition, checked as a whole
//	compare   an Edition and what is stored -> a plan and a Report
//	Import    a plan -> one transaction
//
// The register has a record for every role, an Edition one Unit for every real
// unit. The 106 independent cities stand in the register as district and as
// municipality (Bamberg: 09461 and 09461000); they become one unit that is found
// under both keys. Records that repeat a municipality where an association would
// stand are left out.
//
// # Keys
//
// All keys share their digits. In the regional key (ARS) of Baunach, 094715401115,
// 09 is the state, 094 the government region, 09471 the district and 094715401 the
// association. Its municipality key (AGS) is 09471115, the same without the four
// digits of the association.
//
// # Shipped data
//
// data/gv100ad_2023-11-30.txt.gz is GV100AD of 30 November 2023, unchanged, as
// found in the public repository theodm/python-gemeindeverzeichnis (commit
// a86721f); its populations are those of 31 December 2022.
// data/gv_auszug_2020-12-31.csv.gz holds what GV100AD lacks, taken from the
// spreadsheet edition (GV-Auszug) of the fourth quarter of 2020 in the public
// repository grundeinkommensbuero/backend (commit 0c54631). Both come from the
// Federal Statistical Office. data/before_2020-12-31.csv, plain, holds what the
// second has under a key that is gone or under another official name. Command pack
// makes the three files.
//
// data/territory_changes.csv says what became of the 28 keys of 2020 that are
// gone, one row per unit that took over, with a source for each. It was compiled by
// hand from laws, announcements and the press; where no source gives a day, there is
// none, and the note says what was inferred from populations or areas.
//
// # Changes of territory
//
// A unit stays itself as long as it has a legal successor in its own right: Eisenach
// and Langelsheim got new keys and are found under their former ones. A unit that was
// dissolved stays as a record with the day, its last figures and its successors, even
// if the successor has its name (Neitersen, Greußen).
package register

import (
	"io"

	"stadtgraph/internal/fault"
)

// Read reads a file in any of the formats and either encoding. The name is for
// messages. What is wrong with a file comes back as a fault, in one sentence with
// the line and what to do.
func Read(name string, r io.Reader) (*Edition, error) {
	f, err := open(name, r)
	if err != nil {
		return nil, err
	}
	switch {
	case isGV100AD(f):
		return parseGV100AD(f)
	case isJoined(f):
		return parseJoined(f)
	case isSheet(f):
		return parseSheet(f)
	}
	return nil, fault.New(fault.Invalid, "%s is neither a GV100AD file, which begins with a record type and a date such as 1020231130, "+
		"nor a CSV with the columns level, key and so on, nor a GV-Auszug with satzart, textkennzeichen and so on: name the register file.", name)
}
