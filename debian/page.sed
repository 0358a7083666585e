# What the package leaves out of the files of the page: comments, indents, and spaces between signs.
/^ *(\/\/|\/\*|\*)/d
s/^ +//
/^$/d
# A line of a catalogue, which has text, begins with a quotation mark.
/^"/!{
s/ *\{ */{/g
s/ +\}/}/g
s/; +/;/g
s/ (=>|===|!==|\?\?=|\?\?|&&|\|\||[=?]|\+=|-=) /\1/g
}
