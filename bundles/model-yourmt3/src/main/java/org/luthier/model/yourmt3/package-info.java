/**
 * YourMT3+ (Chang, Benetos, Kirchhoff, Dixon; arXiv 2407.04822): its front ends, layers, and the names of its checkpoints.
 *
 * <p>Not exported: a swappable bundle that exports a package imports it too, and a newer build would then be given the classes of the one
 * that it replaces.
 */
package org.luthier.model.yourmt3;
