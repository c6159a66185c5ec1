#!/bin/sh
# A walk through Strongroom with curl and sed, in any POSIX shell:
#
#   EMAIL=ada@example.org PASSWORD='correct horse battery staple' sh curl.sh photo.jpg
#
# STRONGROOM_URL names the server. Copy the functions; they are all that a script needs.
set -eu

URL=${STRONGROOM_URL:-http://127.0.0.1:4000}
: "${EMAIL:?is not set}" "${PASSWORD:?is not set}"
PHOTO=${1:?usage: EMAIL=... PASSWORD=... sh curl.sh PHOTO}
desk=$(mktemp -d)
trap 'rm -rf "$desk"' EXIT
newline='
'

# The string that an answer has under a name; the last, where there are several.
value() { sed -n 's/.*"'"$1"'":"\([^"]*\)".*/\1/p'; }

# A word as a string of JSON.
json() { printf '"%s"' "$(printf '%s' "$1" | sed 's/[\\"]/\\&/g')"; }

# The token is kept in a file, as a header; a password or a token among the arguments of a program can be seen by `ps`.
keep() { printf 'Authorization: Bearer %s\n' "$1" >"$desk/token"; }
: >"$desk/token"

# Sends a request to the API with these arguments of curl, and prints the answer. Fails when it is an error, either of the
# user's (in `userErrors`, as a part of the data) or of the program's (in `errors`), and says which on standard error.
send() {
    answer=$(curl -sS -w '\n%{http_code}' -H @"$desk/token" "$URL/graphql" "$@") || return 1
    status=${answer##*"$newline"}
    answer=${answer%"$newline"*}
    case $answer in
        *'"errors":['* | *'"userErrors":[{'*)
            echo "$(echo "$answer" | value code) (HTTP $status): $(echo "$answer" | value message)" >&2
            return 1 ;;
    esac
    echo "$answer"
}

# Sends an operation with its variables.
graphql() {
    printf '{ "query": "%s", "variables": %s }' "$1" "${2:-null}" |
        send -H 'Content-Type: application/json' --data-binary @-
}

# Open the account, or log in to it when there is one. The token is good for a day.
input="{ \"input\": { \"email\": $(json "$EMAIL"), \"password\": $(json "$PASSWORD") } }"
fields='{ token userErrors { code message field } }'
login=$(graphql "mutation(\$input: RegisterInput!) { register(input: \$input) $fields }" "$input" 2>"$desk/refused") ||
    case $(cat "$desk/refused") in
        EMAIL_TAKEN* | REGISTRATION_CLOSED*)
            login=$(graphql "mutation(\$input: LoginInput!) { login(input: \$input) $fields }" "$input") ;;
        *) cat "$desk/refused" >&2; exit 1 ;;
    esac
keep "$(echo "$login" | value token)"
echo "signed in as $EMAIL"

# A script that runs for days changes its token in time. The session stays the same.
refreshed=$(graphql 'mutation { refresh { token expiresAt userErrors { code message field } } }')
keep "$(echo "$refreshed" | value token)"
echo "the token is good until $(echo "$refreshed" | value expiresAt)"

# Upload a file, as a GraphQL multipart request: `operations` has null where the file belongs, `map` says what goes there.
# With a checksum, a file that was damaged on the way is refused.
sum=$({ sha256sum "$PHOTO" 2>/dev/null || shasum -a 256 "$PHOTO"; } | sed 's/ .*//')
fields='{ file { id name size } userErrors { code message field } }'
uploaded=$(send \
    -F 'operations={
        "query": "mutation($input: UploadInput!) { upload(input: $input) '"$fields"' }",
        "variables": { "input": { "file": null, "sha256": "'"$sum"'" } }
    }' \
    -F 'map={ "0": ["variables.input.file"] }' \
    -F "0=@\"$PHOTO\"")
ID=$(echo "$uploaded" | value id)
NAME=$(echo "$uploaded" | value name)
echo "uploaded $NAME: $ID"

# Upload several. Each has a result of its own: one may fail while the others are stored.
for word in one two three; do echo "$word" >"$desk/$word.txt"; done
uploaded=$(send \
    -F 'operations={
        "query": "mutation($files: [UploadManyItem!]!) { uploadMany(input: { files: $files }) { results '"$fields"' userErrors { code message } } }",
        "variables": { "files": [{ "file": null }, { "file": null }, { "file": null }] }
    }' \
    -F 'map={ "0": ["variables.files.0.file"], "1": ["variables.files.1.file"], "2": ["variables.files.2.file"] }' \
    -F "0=@$desk/one.txt" -F "1=@$desk/two.txt" -F "2=@$desk/three.txt")
LAST=$(echo "$uploaded" | value id)
echo "uploaded three more, the last of them $(echo "$uploaded" | value name)"

# Wait for the thumbnails: a subscription, as server-sent events. With `fileId` there is exactly one, however late one
# asks, and then the answer ends. (-N: show events as they come.)
printf '{ "query": "%s", "variables": { "id": "%s" } }' \
    'subscription($id: ID!) { thumbnailReady(fileId: $id) { thumbnailStatus thumbnails { size width url } } }' "$ID" |
    curl -sS -N "$URL/graphql" -H 'Accept: text/event-stream' -H @"$desk/token" \
        -H 'Content-Type: application/json' --data-binary @- |
    sed -n 's/^data: *\(.\)/\1/p' >"$desk/events"
case $(cat "$desk/events") in
    *'"errors":['*) cat "$desk/events" >&2; exit 1 ;;
esac
echo "thumbnails: $(value thumbnailStatus <"$desk/events")"
curl -fsS -o "$desk/thumbnail" -w 'downloaded a thumbnail: %{content_type}\n' "$(value url <"$desk/events")"

# Page through the files: `endCursor` goes into `after` until there is no next page.
query='query($after: String) { files(first: 2, after: $after, orderBy: { field: NAME, direction: ASC }) { nodes { name } pageInfo { hasNextPage endCursor } } }'
after=null
while :; do
    page=$(graphql "$query" "{ \"after\": $after }")
    echo "a page: $(echo "$page" | sed -e 's/.*"nodes":\[\(.*\)\],"pageInfo.*/\1/' -e 's/{"name":\("[^"]*"\)}/\1/g')"
    case $page in *'"hasNextPage":false'*) break ;; esac
    after=$(json "$(echo "$page" | value endCursor)")
done

# Publish, rename, delete.
id="{ \"id\": \"$ID\", \"name\": $(json "public $NAME"), \"last\": \"$LAST\" }"
graphql 'mutation($id: ID!) { setPublic(input: { fileId: $id, isPublic: true }) { userErrors { code message } } }' "$id" >"$desk/answer"
graphql 'mutation($id: ID!, $name: String!) { rename(input: { fileId: $id, name: $name }) { userErrors { code message } } }' "$id" >"$desk/answer"
graphql 'mutation($last: ID!) { delete(input: { fileId: $last }) { userErrors { code message } } }' "$id" >"$desk/answer"
echo "published and renamed $NAME, deleted three.txt"

# Errors have codes; the status of HTTP is for the request as a whole.
graphql '{ files(first: 1000) { totalCount } }' 2>&1 || true
curl -sS -o "$desk/answer" -w 'an upload without a token: HTTP %{http_code}, ' "$URL/graphql" -H 'GraphQL-Preflight: 1' \
    -F 'operations={}' -F 'map={}'
echo "$(value code <"$desk/answer")"

# Download. A link needs no header: anybody who has it may use it, for an hour. The owner's token opens $URL/files/$ID as well.
LINK=$(graphql 'query($id: ID!) { file(id: $id) { url(disposition: ATTACHMENT) } }' "$id" | value url)
curl -fsS -o "$desk/photo" -w 'downloaded %{size_download} bytes\n' "$LINK"
cmp "$PHOTO" "$desk/photo"
# A download that broke off goes on where it was: with -C - curl asks for the rest alone.
head -c 100 "$PHOTO" >"$desk/part"
curl -fsS -C - -o "$desk/part" -w 'downloaded the rest: HTTP %{http_code}\n' "$LINK"
cmp "$PHOTO" "$desk/part"
