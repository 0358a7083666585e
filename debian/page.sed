# What the package leaves out of the files of the page: comments, indents, and spaces between signs.
/^ *(\/\/|\/\*|\*)/d
s/^ +//
/^$/d
# A line with text begins with a quotation mark in a catalogue, and with a tag in the page.
/^["<]/!{
s/ *\{ */{/g
s/ +\}/}/g
s/; +/;/g
s/ (=>|===|!==|\?\?=|\?\?|&&|\|\||[=?:<>*+]|[-+<>]=) /\1/g
s/([A-Za-z0-9_])([:,]) /\1\2/g
s/(if|for|while) \(/\1(/g
}
