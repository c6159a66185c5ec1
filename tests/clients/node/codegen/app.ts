// A front end in TypeScript, over the types that graphql-codegen makes. It is checked, compiled, and run.

import { GraphQLClient } from 'graphql-request';

import { graphql } from './gql/index.js';
import type { File as DriveFile, FileFilter, FilesQuery, Scalars, UploadInput } from './gql/graphql.js';
import { FileKind, FileOrderField, OrderDirection, ThumbnailSize, ThumbnailStatus } from './gql/graphql.js';

const Row = graphql(`
  fragment Row on File {
    id
    name
    kind
    size
    mediaType
    createdAt
    thumbnailStatus
    thumbnail(size: $thumbnail) {
      url
      bytes
    }
  }
`);

const Files = graphql(`
  query Files($filter: FileFilter, $orderBy: FileOrder, $after: String, $thumbnail: ThumbnailSize! = SMALL) {
    files(filter: $filter, orderBy: $orderBy, first: 2, after: $after) {
      totalCount
      nodes {
        ...Row
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

const CreateFolder = graphql(`
  mutation CreateFolder($input: CreateFolderInput!) {
    createFolder(input: $input) {
      folder {
        id
        parent {
          id
        }
      }
      userErrors {
        code
        message
        field
      }
    }
  }
`);

const Ready = graphql(`
  subscription Ready($fileId: ID) {
    thumbnailReady(fileId: $fileId) {
      id
      thumbnailStatus
      width
    }
  }
`);

/** What a file picker of a browser gives. */
export const picked = (file: File): UploadInput => ({ file, isPublic: false });

export const bytes = (file: Pick<DriveFile, 'size'>): number => file.size ?? 0;
export const made = (at: Scalars['DateTime']['output']): Date => new Date(at.replace(/Z$/, '+00:00'));
export const ready = Ready;

export async function main(url: string, token: string): Promise<string[]> {
  const client = new GraphQLClient(url, { headers: { authorization: `Bearer ${token}` } });
  const folder = await client.request(CreateFolder, { input: { name: 'folder' } });
  const problem: string | undefined = folder.createFolder?.userErrors[0]?.message;
  if (problem) throw new Error(problem);

  const lines: string[] = [];
  const filter: FileFilter = { kinds: [FileKind.Folder, FileKind.Image] };
  let after: string | null | undefined = null;
  do {
    const page: FilesQuery = await client.request(Files, {
      filter,
      after,
      orderBy: { field: FileOrderField.Name, direction: OrderDirection.Asc },
      thumbnail: ThumbnailSize.Large,
    });
    for (const { name, kind, size, createdAt, thumbnailStatus, thumbnail } of page.files?.nodes ?? []) {
      const total: number = (size ?? 0) + (thumbnail?.bytes ?? 0);
      const at: string = createdAt;
      const settled = thumbnailStatus === ThumbnailStatus.Ready;
      lines.push([name, kind, total > 0, settled, Number.isNaN(made(at).getTime())].join(' '));
    }
    after = page.files?.pageInfo.endCursor;
    if (!page.files?.pageInfo.hasNextPage) after = null;
  } while (after);
  return lines;
}

// What has to be wrong. (tsc fails on an expected error that does not come.)
export async function wrong(client: GraphQLClient): Promise<void> {
  // @ts-expect-error: there is no input
  await client.request(CreateFolder, {});
  // @ts-expect-error: a name is no number
  await client.request(CreateFolder, { input: { name: 1 } });
  // @ts-expect-error: there is no such order
  await client.request(Files, { orderBy: { field: 'COLOUR', direction: OrderDirection.Asc } });
  const { files } = await client.request(Files, {});
  // @ts-expect-error: files may be null
  files.totalCount;
  // @ts-expect-error: the size is a number, and null for a folder
  const size: string = files?.nodes[0].size;
  // @ts-expect-error: a name cannot be null, and is a string
  const name: null | number = files?.nodes[0].name ?? null;
  // @ts-expect-error: an upload is a file
  const input: UploadInput = { file: 'a.txt', isPublic: false };
  void [size, name, input, Row];
}
