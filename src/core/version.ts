/** The version that answers to people name. A test holds it equal to package.json's. */
export const VERSION = '0.1.0'
