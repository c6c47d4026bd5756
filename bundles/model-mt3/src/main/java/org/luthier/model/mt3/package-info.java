/**
 * MT3 (Gardner et al., ICLR 2022; Hawthorne et al., ISMIR 2021): its front end, its network and the names of its checkpoints.
 *
 * <p>Not exported: a swappable bundle that exports a package imports it too, and a newer build would then be given the classes of the one
 * that it replaces.
 */
package org.luthier.model.mt3;
