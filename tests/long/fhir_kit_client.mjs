// What a Node.js program does with fhir-kit-client: one JSON object of what it saw, for test_clients.py.
// node fhir_kit_client.mjs PATH_OF_THE_PACKAGE BASE TOKEN RESOURCES_AS_JSON

const [, , installed, baseUrl, bearerToken, given] = process.argv;
const { Client } = await import(installed);
const { patient, letter } = JSON.parse(given);
const client = new Client({ baseUrl, bearerToken });
const seen = {};

const statement = await client.capabilityStatement();
seen.fhirVersion = statement.fhirVersion;
seen.smart = (await client.smartAuthMetadata()).tokenUrl?.toString();

const created = await client.create({ resourceType: "Patient", body: patient });
seen.created = created.meta.versionId;
const again = await client.create({
  resourceType: "CommunicationRequest", body: letter,
  options: { headers: { "If-None-Exist": `identifier=${letter.identifier[0].system}|${letter.identifier[0].value}` } },
});
const same = await client.create({
  resourceType: "CommunicationRequest", body: letter,
  options: { headers: { "If-None-Exist": `identifier=${letter.identifier[0].system}|${letter.identifier[0].value}` } },
});
seen.conditionalCreate = again.id === same.id;
const where = { resourceType: "Patient", id: created.id };
seen.read = (await client.read(where)).id === created.id;
const updated = await client.update({ ...where, body: { ...created, gender: "other" } });
seen.updated = [updated.gender, updated.meta.versionId];
const jsonPatch = [{ op: "replace", path: "/gender", value: "female" }];
const options = { headers: { "If-Match": `W/"${updated.meta.versionId}"` } };
seen.patched = (await client.patch({ ...where, jsonPatch, options })).gender;
seen.vread = (await client.vread({ ...where, version: "1" })).gender;

let page = await client.search({ resourceType: "Patient", searchParams: { _count: 3, _sort: "_id" } });
const ids = [];
for (let pages = 0; page && pages < 4; pages += 1) {
  ids.push(...(page.entry ?? []).map((entry) => entry.resource.id));
  seen.total = page.total;
  page = await client.nextPage({ bundle: page });
}
seen.paged = [ids.length, new Set(ids).size];
const compartment = { resourceType: "Patient", id: created.id };
seen.compartment = (await client.search({ resourceType: "CommunicationRequest", compartment })).type;
seen.everything = (await client.operation({ name: "everything", ...where, method: "GET" })).type;

const body = (type) => ({
  resourceType: "Bundle", type,
  entry: [
    { fullUrl: "urn:uuid:0b6d5c0e-64a4-4d57-9f0b-9a0a6a8f6d10", resource: { ...letter, identifier: undefined },
      request: { method: "POST", url: "CommunicationRequest" } },
    { request: { method: "GET", url: `Patient/${created.id}` } },
  ],
});
seen.batch = (await client.batch({ body: body("batch") })).entry.map((entry) => entry.response.status.slice(0, 3));
const done = await client.transaction({ body: body("transaction") });
seen.transaction = done.entry.map((entry) => entry.response.status.slice(0, 3));

seen.history = (await client.resourceHistory(where)).entry.map((entry) => entry.request.method);
seen.typeHistory = (await client.typeHistory({ resourceType: "Patient" })).type;
seen.systemHistory = (await client.systemHistory()).type;
await client.delete({ resourceType: "CommunicationRequest", id: again.id });
try {
  await client.read({ resourceType: "CommunicationRequest", id: again.id });
} catch (error) {
  seen.gone = error.response.status;
}
console.log(JSON.stringify(seen));
