// A `fetch` that remembers what went over it, so that tests can count requests.

/** A `fetch` for a client, and `requests`: what it was asked so far. */
export function traffic() {
  const requests = [];
  const counted = async (uri, options = {}) => {
    const method = options.method ?? 'GET';
    const request = { method, url: String(uri), headers: new Headers(options.headers), ...parameters(method, uri, options) };
    request.signal = options.signal;
    requests.push(request);
    const response = await fetch(uri, options);
    request.status = response.status;
    request.contentType = response.headers.get('content-type');
    return response;
  };
  return { fetch: counted, requests };
}

/** The GraphQL request inside of the HTTP one, whichever way it is packed. */
function parameters(method, uri, { body }) {
  if (method === 'GET') {
    const { query, extensions } = Object.fromEntries(new URL(uri).searchParams);
    return { query, extensions: extensions && JSON.parse(extensions) };
  }
  const { query, extensions } = JSON.parse(body instanceof FormData ? body.get('operations') : body);
  return { query, extensions, isMultipart: body instanceof FormData };
}
