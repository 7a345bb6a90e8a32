// What the tests of images ask of a function: its body back, or more memory than there is.
exports.handle = async (request) => {
  if (request.path === '/eat') return String(Buffer.alloc(200_000_000, 1).length);
  return request.data;
};
