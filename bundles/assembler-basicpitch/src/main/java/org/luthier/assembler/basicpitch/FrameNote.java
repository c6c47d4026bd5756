package org.luthier.assembler.basicpitch;

/**
 * A note as note creation sees it.
 *
 * @param startFrame first frame
 * @param endFrame the frame after the last
 * @param bin semitone bin
 * @param amplitude mean of the note posteriorgram over the frames, 0..1
 */
record FrameNote(int startFrame, int endFrame, int bin, double amplitude) {}
