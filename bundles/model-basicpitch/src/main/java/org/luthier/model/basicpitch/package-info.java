/**
 * Basic Pitch (Bittner et al., ICASSP 2022): its front end, its layers and the names of its checkpoints.
 *
 * <p>Not exported: a swappable bundle that exports a package imports it too, and a newer build would then be given the classes of the one
 * that it replaces.
 */
package org.luthier.model.basicpitch;
