/** Luthier as a library: one class, no framework. */
package org.luthier;
