package text

var adminRU = map[string]string{}
