package register

// state is what no register file says about a state, and its name for messages.
type state struct{ key, code, nuts1, name string }

var states = []state{
	{"01", "SH", "DEF", "Schleswig-Holstein"},
	{"02", "HH", "DE6", "Hamburg"},
	{"03", "NI", "DE9", "Niedersachsen"},
	{"04", "HB", "DE5", "Bremen"},
	{"05", "NW", "DEA", "Nordrhein-Westfalen"},
	{"06", "HE", "DE7", "Hessen"},
	{"07", "RP", "DEB", "Rheinland-Pfalz"},
	{"08", "BW", "DE1", "Baden-Württemberg"},
	{"09", "BY", "DE2", "Bayern"},
	{"10", "SL", "DEC", "Saarland"},
	{"11", "BE", "DE3", "Berlin"},
	{"12", "BB", "DE4", "Brandenburg"},
	{"13", "MV", "DE8", "Mecklenburg-Vorpommern"},
	{"14", "SN", "DED", "Sachsen"},
	{"15", "ST", "DEE", "Sachsen-Anhalt"},
	{"16", "TH", "DEG", "Thüringen"},
}

// cityStates are the states that are one municipality: the state's key, and the
// municipality's.
var cityStates = map[string]string{"02": "02000000", "11": "11000000"}
