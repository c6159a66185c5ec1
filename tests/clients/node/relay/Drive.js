// What a front end with Relay asks. Nothing runs this file: relay-compiler reads it, and the test uses what it makes.

graphql`
  query DriveQuery($parentId: ID, $count: Int!) {
    viewer {
      id
      email
      usage {
        fileCount
        bytes
      }
    }
    ...Drive_query @arguments(parentId: $parentId, count: $count)
  }
`;

// A list that is loaded page by page, from either end.
graphql`
  fragment Drive_query on Query
  @refetchable(queryName: "DriveFilesPaginationQuery")
  @argumentDefinitions(
    parentId: { type: "ID" }
    order: { type: "FileOrder", defaultValue: { field: NAME, direction: ASC } }
    count: { type: "Int" }
    cursor: { type: "String" }
    lastCount: { type: "Int" }
    before: { type: "String" }
  ) {
    files(
      parentId: $parentId
      orderBy: $order
      first: $count
      after: $cursor
      last: $lastCount
      before: $before
    ) @connection(key: "Drive_files", filters: ["parentId", "orderBy"]) {
      __id
      totalCount
      edges {
        cursor
        node {
          id
          ...Drive_file
        }
      }
      pageInfo {
        hasNextPage
        hasPreviousPage
        startCursor
        endCursor
      }
    }
  }
`;

graphql`
  fragment Drive_file on File {
    id
    name
    kind
    size
    isPublic
    thumbnailStatus
    thumbnail(size: SMALL) {
      url
      width
      height
    }
    createdAt
    updatedAt
  }
`;

// A page of something with an ID is fetched again through the field node.
graphql`
  query DriveFolderQuery($id: ID!) {
    node(id: $id) {
      __typename
      ...Drive_folder @alias(as: "folder")
    }
  }
`;

graphql`
  fragment Drive_folder on File
  @refetchable(queryName: "DriveFolderPaginationQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 2 }, cursor: { type: "String" }) {
    name
    children(first: $count, after: $cursor, orderBy: { field: NAME, direction: ASC })
      @connection(key: "Drive_children") {
      edges {
        node {
          id
          name
        }
      }
    }
  }
`;

graphql`
  mutation DriveCreateFolderMutation($input: CreateFolderInput!, $connections: [ID!]!) {
    createFolder(input: $input) {
      folder @prependNode(connections: $connections, edgeTypeName: "FileEdge") {
        ...Drive_file
      }
      userErrors {
        code
        message
        field
      }
    }
  }
`;

graphql`
  mutation DriveRenameMutation($input: RenameInput!) {
    rename(input: $input) {
      file {
        id
        name
        updatedAt
      }
      userErrors {
        code
        field
      }
    }
  }
`;

graphql`
  mutation DriveDeleteMutation($input: DeleteInput!, $connections: [ID!]!) {
    delete(input: $input) {
      deletedFileId @deleteEdge(connections: $connections)
      userErrors {
        code
        field
      }
    }
  }
`;

graphql`
  subscription DriveReadySubscription($fileId: ID) {
    thumbnailReady(fileId: $fileId) {
      ...Drive_file
    }
  }
`;
