package text

var businessID = map[string]string{}
