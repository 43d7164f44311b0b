package text

var adminID = map[string]string{}
