package text

var adminEN = map[string]string{}
