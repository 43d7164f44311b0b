package text

var businessEN = map[string]string{}
