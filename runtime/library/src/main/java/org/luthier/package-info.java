/**
 * Luthier as a library: one class, no framework.
 *
 * <pre>{@code
 * try (Luthier luthier = Luthier.open()) {
 *     luthier.write(luthier.transcribe(Path.of("song.mp3")), Path.of("song.mid"));
 * }
 * }</pre>
 */
package org.luthier;
