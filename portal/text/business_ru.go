package text

var businessRU = map[string]string{}
