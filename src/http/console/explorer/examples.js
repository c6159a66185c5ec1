// Operations to begin with.

const list = `query MyFiles($first: Int = 10) {
  files(first: $first, orderBy: { field: CREATED_AT, direction: DESC }) {
    totalCount
    nodes {
      id
      name
      kind
      size
      thumbnailStatus
      url
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`;

const account = (name, what) => `mutation ${name}($input: ${name}Input!) {
  ${what}(input: $input) {
    token
    expiresAt
    user {
      id
      email
    }
    userErrors {
      code
      message
      field
    }
  }
}
`;

/** What somebody sees who is here for the first time. */
export const first = `# Ctrl+Enter runs the operation at the caret.
# Ctrl+Space suggests, F1 explains a name.
query Limits {
  limits {
    uploadBytes
    imagePixels
    pageSize
  }
}
`;

/** Each with its `name`, `query` and `variables`. */
export const examples = [
  { name: 'What this server accepts', query: first, variables: '' },
  {
    name: 'Open an account',
    query: account('Register', 'register'),
    variables: '{\n  "input": {\n    "email": "ada@example.org",\n    "password": ""\n  }\n}',
  },
  {
    name: 'Log in',
    query: account('Login', 'login'),
    variables: '{\n  "input": {\n    "email": "ada@example.org",\n    "password": ""\n  }\n}',
  },
  { name: 'List my files', query: list, variables: '{\n  "first": 10\n}' },
  {
    name: 'Upload a file',
    query: `# Choose the file below the variables.
mutation Upload($input: UploadInput!) {
  upload(input: $input) {
    file {
      id
      name
      size
      mediaType
      thumbnailStatus
      url
    }
    userErrors {
      code
      message
      field
    }
  }
}
`,
    variables: '{\n  "input": {\n    "isPublic": false\n  }\n}',
  },
  {
    name: 'Listen to thumbnails',
    query: `# Run it, then upload an image.
subscription Thumbnails {
  thumbnailReady {
    id
    name
    thumbnailStatus
    thumbnailError
    thumbnails {
      size
      width
      height
      url
    }
  }
}
`,
    variables: '',
  },
];
