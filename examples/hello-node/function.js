// A whole function: what it returns is the answer, what it prints is in the log with the call's id.

exports.handle = async (request) => {
  const name = request.get('name', 'World');
  console.log('greeting', name);
  return { hello: name, method: request.method, path: request.path };
};
