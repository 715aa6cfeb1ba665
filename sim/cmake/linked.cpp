// SPDX-License-Identifier: Apache-2.0
// A program that has all of one layer (aqpim_layers.cmake) is linked to see that it lacks nothing.
int main() {}
