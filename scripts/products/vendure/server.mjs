// Vendure's shop with two customers, north and south. Each has addresses, three placed orders and an order that is still open.
//
//     PORT=8000 NORTH_PASSWORD=… SOUTH_PASSWORD=… ADMIN_PASSWORD=… node server.mjs
//
// prints a line when it is ready. Its database is in memory.
import { createRequire } from 'module';

const { bootstrap, DefaultLogger, DefaultOrderByCodeAccessStrategy, dummyPaymentHandler, LogLevel } =
  createRequire(import.meta.url)('@vendure/core');

const { PORT, NORTH_PASSWORD, SOUTH_PASSWORD, ADMIN_PASSWORD } = process.env;
const URL = `http://127.0.0.1:${PORT}`;

// Street and phone are what tells one customer's placed orders from another's.
const CUSTOMERS = [
  { name: 'north', password: NORTH_PASSWORD, streetLine1: '12 Harbour Crane Lane', phoneNumber: '01632-960011' },
  { name: 'south', password: SOUTH_PASSWORD, streetLine1: '77 Quarry Bank Terrace', phoneNumber: '01632-960022' },
];

const LOGIN = `mutation ($user: String!, $password: String!) {
  login(username: $user, password: $password) { __typename ... on ErrorResult { message } }
}`;
const FAILED = '__typename ... on ErrorResult { errorCode message }';

await bootstrap({
  apiOptions: { port: Number(PORT), hostname: '127.0.0.1', adminApiPath: 'admin-api', shopApiPath: 'shop-api' },
  authOptions: {
    tokenMethod: ['bearer'],
    requireVerification: false,
    superadminCredentials: { identifier: 'admin', password: ADMIN_PASSWORD },
  },
  dbConnectionOptions: { type: 'sqljs', database: new Uint8Array([]), autoSave: false, synchronize: true, logging: false },
  paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
  // By default whoever knows the code of an order may read it for two hours after it is placed, without logging in.
  orderOptions: { orderByCodeAccessStrategy: new DefaultOrderByCodeAccessStrategy('0s') },
  customFields: { OrderLine: [{ name: 'engraving', type: 'string' }], Customer: [{ name: 'nickname', type: 'string' }] },
  logger: new DefaultLogger({ level: LogLevel.Warn }),
  plugins: [],
});

const admin = await logIn('admin-api', 'admin', ADMIN_PASSWORD);
const variant = await fillShop(admin);
for (const { name, password, ...address } of CUSTOMERS) {
  await send('shop-api', null, `mutation ($i: RegisterCustomerInput!) { registerCustomerAccount(input: $i) { ${FAILED} } }`, {
    i: { emailAddress: `${name}@example.com`, firstName: 'Trial', lastName: name, password },
  });
  const customer = await logIn('shop-api', `${name}@example.com`, password);
  await buy(customer, variant, name, {
    ...address, fullName: `Trial ${name}`, city: 'Town', postalCode: 'AA1 1AA', countryCode: 'GB',
  });
}
console.log('ready');

/** One request; whatever goes wrong ends the process. */
async function send(api, token, query, variables) {
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
  const response = await fetch(`${URL}/${api}`, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  const { data, errors } = await response.json();
  const refused = errors ?? Object.values(data).filter(answer => answer?.errorCode);
  if (refused.length) throw new Error(`${query}: ${JSON.stringify(refused)}`);
  return { data, token: response.headers.get('vendure-auth-token') };
}

async function logIn(api, user, password) {
  const { token } = await send(api, null, LOGIN, { user, password });
  if (!token) throw new Error(`${user} cannot log in`);
  return token;
}

/** What a shop needs before anything can be bought; answers with the one thing that it sells. */
async function fillShop(token) {
  const id = async (query, variables) => Object.values((await send('admin-api', token, query, variables)).data).flat()[0].id;
  const named = name => [{ languageCode: 'en', name, description: '' }];
  const zone = await id('mutation { createZone(input: { name: "World" }) { id } }');
  const country = await id(
    'mutation { createCountry(input: { code: "GB", enabled: true, translations: [{ languageCode: en, name: "Britain" }] }) { id } }',
  );
  await id('mutation ($z: ID!, $c: [ID!]!) { addMembersToZone(zoneId: $z, memberIds: $c) { id } }', { z: zone, c: [country] });
  const category = await id('mutation { createTaxCategory(input: { name: "Standard", isDefault: true }) { id } }');
  await id('mutation ($i: CreateTaxRateInput!) { createTaxRate(input: $i) { id } }', {
    i: { name: 'Standard', enabled: true, value: 20, categoryId: category, zoneId: zone },
  });
  const channel = await id('{ activeChannel { id } }');
  await id(`mutation ($i: UpdateChannelInput!) { updateChannel(input: $i) { ... on Channel { id } ${FAILED} } }`, {
    i: { id: channel, defaultTaxZoneId: zone, defaultShippingZoneId: zone, defaultCurrencyCode: 'GBP', availableCurrencyCodes: ['GBP'] },
  });
  const product = await id('mutation ($i: CreateProductInput!) { createProduct(input: $i) { id } }', {
    i: { enabled: true, translations: [{ languageCode: 'en', name: 'Pen', slug: 'pen', description: '' }] },
  });
  await id('mutation ($i: CreateShippingMethodInput!) { createShippingMethod(input: $i) { id } }', {
    i: {
      code: 'standard',
      fulfillmentHandler: 'manual-fulfillment',
      checker: { code: 'default-shipping-eligibility-checker', arguments: [{ name: 'orderMinimum', value: '0' }] },
      calculator: {
        code: 'default-shipping-calculator',
        arguments: [{ name: 'rate', value: '500' }, { name: 'includesTax', value: 'auto' }, { name: 'taxRate', value: '0' }],
      },
      translations: named('Standard'),
    },
  });
  await id('mutation ($i: CreatePaymentMethodInput!) { createPaymentMethod(input: $i) { id } }', {
    i: {
      code: 'dummy',
      enabled: true,
      handler: { code: 'dummy-payment-handler', arguments: [{ name: 'automaticSettle', value: 'true' }] },
      translations: named('Dummy'),
    },
  });
  return id('mutation ($i: [CreateProductVariantInput!]!) { createProductVariants(input: $i) { id } }', {
    i: [{
      productId: product, sku: 'PEN-1', price: 1000, taxCategoryId: category, stockOnHand: 1000000, trackInventory: 'FALSE',
      enabled: true, translations: [{ languageCode: 'en', name: 'Pen' }],
    }],
  });
}

/** An address, three orders that are paid for, and one that is not. */
async function buy(token, variant, name, address) {
  const shop = async (query, variables) => (await send('shop-api', token, query, variables)).data;
  const add = engraving =>
    shop(`mutation ($v: ID!, $c: OrderLineCustomFieldsInput) {
      addItemToOrder(productVariantId: $v, quantity: 1, customFields: $c) { ${FAILED} }
    }`, { v: variant, c: { engraving } });
  await shop('mutation ($i: CreateAddressInput!) { createCustomerAddress(input: $i) { id } }', { i: address });
  for (const number of [1, 2, 3]) {
    await add(`order ${number} of ${name}`);
    await shop(`mutation ($i: CreateAddressInput!) { setOrderShippingAddress(input: $i) { ${FAILED} } }`, { i: address });
    const { eligibleShippingMethods } = await shop('{ eligibleShippingMethods { id } }');
    await shop(`mutation ($m: [ID!]!) { setOrderShippingMethod(shippingMethodId: $m) { ${FAILED} } }`, {
      m: [eligibleShippingMethods[0].id],
    });
    await shop(`mutation { transitionOrderToState(state: "ArrangingPayment") { ${FAILED} } }`);
    await shop(`mutation { addPaymentToOrder(input: { method: "dummy", metadata: {} }) { ${FAILED} } }`);
  }
  await add(`open order of ${name}`);
}
