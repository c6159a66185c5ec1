// Every operation that the console sends. They are what a front end of one's own would send.

const ROW = `fragment Row on File {
  id name kind isPublic size mediaType width height createdAt updatedAt
  thumbnailStatus thumbnailError thumbhash
  thumbnails { size width url(expiresIn: 86400) }
  parent { id name }
}`;

const ERRORS = 'userErrors { code message field }';

export const VIEWER = `query Viewer {
  viewer { id email usage { fileCount bytes } }
  limits { uploadBytes imagePixels }
}`;

export const LOGIN = `mutation Login($input: LoginInput!) {
  login(input: $input) { token expiresAt user { id email } ${ERRORS} }
}`;

export const REGISTER = `mutation Register($input: RegisterInput!) {
  register(input: $input) { token expiresAt user { id email } ${ERRORS} }
}`;

export const LOGOUT = `mutation Logout {
  logout { ${ERRORS} }
}`;

export const REFRESH = `mutation Refresh {
  refresh { token expiresAt ${ERRORS} }
}`;

export const FILES = `query Files($parentId: ID, $filter: FileFilter, $orderBy: FileOrder, $first: Int!, $after: String) {
  files(parentId: $parentId, filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
    totalCount
    nodes { ...Row }
    pageInfo { hasNextPage endCursor }
  }
}
${ROW}`;

export const SEARCH = `query Search($filter: FileFilter, $orderBy: FileOrder, $first: Int!, $after: String) {
  viewer {
    id
    files(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
      totalCount
      nodes { ...Row }
      pageInfo { hasNextPage endCursor }
    }
  }
}
${ROW}`;

export const FOLDER = `query Folder($id: ID!) {
  file(id: $id) { id name kind isPublic ancestors { id name } }
}`;

export const FOLDERS = `query Folders($parentId: ID, $after: String) {
  files(parentId: $parentId, filter: { kinds: [FOLDER] }, orderBy: { field: NAME, direction: ASC }, first: 100, after: $after) {
    nodes { id name }
    pageInfo { hasNextPage endCursor }
  }
}`;

export const FILE = `query File($id: ID!) {
  file(id: $id) { ...Row }
}
${ROW}`;

export const DETAILS = `query Details($id: ID!) {
  file(id: $id) {
    ...Row
    sha256
    url
    download: url(disposition: ATTACHMENT)
    all: thumbnails { size width height bytes mediaType url }
  }
}
${ROW}`;

export const LINK = `query Link($id: ID!, $expiresIn: Int!) {
  file(id: $id) { id isPublic url(expiresIn: $expiresIn) }
}`;

export const DOWNLOAD = `query Download($id: ID!) {
  file(id: $id) { id url(disposition: ATTACHMENT) }
}`;

export const DESCENDANTS = `query Descendants($id: ID!) {
  file(id: $id) { id descendantCount }
}`;

export const UPLOAD = `mutation Upload($input: UploadInput!) {
  upload(input: $input) { file { ...Row } ${ERRORS} }
}
${ROW}`;

export const ARRIVED = `query Arrived($parentId: ID, $sha256: String!) {
  files(parentId: $parentId, filter: { sha256: $sha256 }, first: 100) { nodes { ...Row } }
}
${ROW}`;

export const CREATE_FOLDER = `mutation CreateFolder($input: CreateFolderInput!) {
  createFolder(input: $input) { folder { ...Row } ${ERRORS} }
}
${ROW}`;

export const RENAME = `mutation Rename($input: RenameInput!) {
  rename(input: $input) { file { ...Row } ${ERRORS} }
}
${ROW}`;

export const MOVE = `mutation Move($input: MoveInput!) {
  move(input: $input) { file { ...Row } ${ERRORS} }
}
${ROW}`;

export const SET_PUBLIC = `mutation SetPublic($input: SetPublicInput!) {
  setPublic(input: $input) { file { ...Row } ${ERRORS} }
}
${ROW}`;

export const DELETE = `mutation Delete($input: DeleteInput!) {
  delete(input: $input) { deletedFileId ${ERRORS} }
}`;

export const RETRY = `mutation RetryThumbnails($input: RetryThumbnailsInput!) {
  retryThumbnails(input: $input) { file { ...Row } ${ERRORS} }
}
${ROW}`;

export const THUMBNAILS = `subscription Thumbnails {
  thumbnailReady { ...Row }
}
${ROW}`;
