package text

var deskID = map[string]string{}
